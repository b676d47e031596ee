import { sourceContract } from '../support/source-contract.ts';
import { openShop } from './shop.ts';

sourceContract('a table behind PostgREST', openShop);
