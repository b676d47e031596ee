import type { Labels } from './column.ts';

/** A text in English, Brazilian Portuguese and Spanish. */
export function labels(en: string, ptBR: string, es: string): Labels {
  return { en, 'pt-BR': ptBR, es };
}

/** Labels of the datasets' fields, and of what every report derives from them. */
export const FIELD_LABELS = {
  external_id: labels('Call ID', 'ID da chamada', 'ID de llamada'),
  started_at: labels('Started', 'Início', 'Inicio'),
  queued_at: labels('Queued', 'Entrada na fila', 'Entrada en cola'),
  answered_at: labels('Answered at', 'Atendida em', 'Atendida el'),
  ended_at: labels('Ended', 'Término', 'Fin'),
  direction: labels('Direction', 'Sentido', 'Sentido'),
  caller: labels('Caller', 'Origem', 'Origen'),
  callee: labels('Callee', 'Destino', 'Destino'),
  queue: labels('Queue', 'Fila', 'Cola'),
  agent: labels('Agent', 'Agente', 'Agente'),
  trunk: labels('Trunk', 'Tronco', 'Troncal'),
  disposition: labels('Disposition', 'Resultado', 'Resultado'),
  wait_seconds: labels('Wait (s)', 'Espera (s)', 'Espera (s)'),
  talk_seconds: labels('Talk (s)', 'Conversação (s)', 'Conversación (s)'),
  order_id: labels('Order', 'Pedido', 'Pedido'),
  line_no: labels('Line', 'Item', 'Línea'),
  ordered_at: labels('Ordered', 'Data do pedido', 'Fecha del pedido'),
  status: labels('Status', 'Situação', 'Estado'),
  kind: labels('Kind', 'Tipo', 'Tipo'),
  customer: labels('Customer', 'Cliente', 'Cliente'),
  sku: labels('SKU', 'SKU', 'SKU'),
  description: labels('Description', 'Descrição', 'Descripción'),
  quantity: labels('Quantity', 'Quantidade', 'Cantidad'),
  unit_price: labels('Unit price', 'Preço unitário', 'Precio unitario'),
  discount: labels('Discount', 'Desconto', 'Descuento'),
  tax: labels('Tax', 'Imposto', 'Impuesto'),
  currency: labels('Currency', 'Moeda', 'Moneda'),
  region: labels('Region', 'Região', 'Región'),
  salesperson: labels('Salesperson', 'Vendedor', 'Vendedor'),
  proposal_id: labels('Proposal', 'Proposta', 'Propuesta'),
  proposed_at: labels('Proposed', 'Proposta em', 'Propuesta el'),
  list_price: labels('List price', 'Preço de lista', 'Precio de lista'),
  list_amount: labels('List amount', 'Valor de lista', 'Importe de lista'),
  policy: labels('Policy', 'Política', 'Política'),
  allowed_discount: labels(
    'Discount by policy',
    'Desconto pela política',
    'Descuento por política',
  ),
  net: labels('Net', 'Líquido', 'Neto'),
  decided_at: labels('Decided', 'Decidida em', 'Decidida el'),
  date: labels('Date', 'Data', 'Fecha'),
  utc_offset: labels('UTC offset', 'Deslocamento UTC', 'Desfase UTC'),
  hour: labels('Hour of day', 'Hora do dia', 'Hora del día'),
  hour_start: labels('Hour', 'Hora', 'Hora'),
} as const satisfies Record<string, Labels>;

export type LabelledField = keyof typeof FIELD_LABELS;
