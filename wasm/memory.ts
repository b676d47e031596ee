/** Copies and loads that all of the kernel shares. */

/** Bytes that a copy may touch beyond the end of its source and its target. */
export const SLACK: u32 = 16;

/** Where the memory of the caller begins. */
export const HEAP: usize = __heap_base;

/** A copy longer than this is worth a call. */
const LONG_COPY: u32 = 256;

@inline
export function copy(to: usize, from: usize, bytes: u32): void {
  if (bytes > LONG_COPY) {
    memory.copy(to, from, bytes);
    return;
  }
  let done: u32 = 0;
  do {
    v128.store(to + done, v128.load(from + done));
    done += 16;
  } while (done < bytes);
}

@inline
export function offset(offsets: usize, row: u32): u32 {
  return load<u32>(offsets + (<usize>row << 2));
}

@inline
export function setOffset(offsets: usize, row: u32, value: u32): void {
  store<u32>(offsets + (<usize>row << 2), value);
}

@inline
export function number(values: usize, row: u32): f64 {
  return load<f64>(values + (<usize>row << 3));
}

@inline
export function big16(at: usize): u32 {
  return <u32>bswap<u16>(load<u16>(at));
}

@inline
export function big32(at: usize): i32 {
  return <i32>bswap<u32>(load<u32>(at));
}

@inline
export function big64(at: usize): i64 {
  return <i64>bswap<u64>(load<u64>(at));
}

@inline
export function floorDivide(value: i64, by: i64): i64 {
  const quotient = value / by;
  return quotient * by > value ? quotient - 1 : quotient;
}

@inline
export function writeDigits(to: usize, value: u64): usize {
  let end = to + 1;
  let over: u64 = 10;
  while (over <= value) {
    end++;
    over *= 10;
  }
  let rest = value;
  for (let at = end - 1; at >= to; at--) {
    store<u8>(at, 0x30 + <u32>(rest % 10));
    rest /= 10;
  }
  return end;
}
