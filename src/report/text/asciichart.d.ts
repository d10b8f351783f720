/** asciichart brings no types. It throws on an empty series and on what is no finite number. */
declare module "asciichart" {
  export interface PlotOptions {
    /** Rows, the lowest one not counted. */
    height?: number;
    min?: number;
    max?: number;
    /** The number beside a row; the width of all of them should be the same. */
    format?: (value: number) => string;
  }
  const asciichart: { plot(series: readonly number[], options?: PlotOptions): string };
  export default asciichart;
}
