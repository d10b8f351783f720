import { loadKoffi } from "./koffi.ts";

/** The calls of the C library that Node has no word for. Each answers as the C function does, errno beside it. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Buffer, length: number): number;
  send(fd: number, bytes: Buffer, length: number, flags: number): number;
  recv(fd: number, bytes: Buffer, length: number, flags: number): number;
  setsockopt(fd: number, level: number, name: number, value: Buffer, length: number): number;
  close(fd: number): number;
  adjtimex(timex: Buffer): number;
  /** Of the last call that failed. */
  errno(): number;
}

let libc: Libc | null | undefined;

/** The C library, null without koffi. */
export function openLibc(): Libc | null {
  if (libc !== undefined) return libc;
  const ffi = loadKoffi();
  if (ffi === null) return null;
  try {
    const library = ffi.load(null);
    libc = {
      socket: library.func("int socket(int, int, int)"),
      bind: library.func("int bind(int, const void *, uint)"),
      send: library.func("intptr_t send(int, const void *, size_t, int)"),
      recv: library.func("intptr_t recv(int, _Out_ void *, size_t, int)"),
      setsockopt: library.func("int setsockopt(int, int, int, const void *, uint)"),
      close: library.func("int close(int)"),
      adjtimex: library.func("int adjtimex(_Inout_ void *)"),
      errno: () => ffi.errno(),
    };
  } catch {
    libc = null;
  }
  return libc;
}
