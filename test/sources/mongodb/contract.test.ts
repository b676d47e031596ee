import { sourceContract } from '../support/source-contract.ts';
import { openOrderBed } from './support/orders.ts';

sourceContract('a MongoDB', openOrderBed);
