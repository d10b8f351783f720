/** From client to backend, or back. */
export type Direction = "up" | "down";
