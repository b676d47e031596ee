/** Rows of the demo under the names of the datasets; instants in UTC epoch ms, money as text. */

export interface DemoCall {
  readonly external_id: string;
  readonly started_at: number;
  readonly queued_at: number | null;
  readonly answered_at: number | null;
  readonly ended_at: number;
  readonly direction: 'inbound' | 'outbound' | 'internal';
  readonly caller: string | null;
  readonly callee: string | null;
  readonly queue: string | null;
  readonly agent: string | null;
  readonly trunk: string | null;
  readonly disposition:
    | 'answered'
    | 'abandoned'
    | 'no_answer'
    | 'busy'
    | 'failed'
    | 'voicemail'
    | 'ignored';
  readonly wait_seconds: number | null;
  readonly talk_seconds: number | null;
}

export interface DemoOrderLine {
  readonly order_id: string;
  readonly line_no: number;
  readonly ordered_at: number;
  readonly status: string;
  readonly kind: 'sale' | 'credit' | 'adjustment';
  readonly customer: string;
  readonly sku: string;
  readonly description: string;
  readonly quantity: string;
  readonly unit_price: string;
  readonly discount: string;
  readonly tax: string;
  readonly currency: string;
  readonly region: string;
  readonly salesperson: string | null;
}
