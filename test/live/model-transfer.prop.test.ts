import fc from "fast-check";
import { expect, test } from "vitest";
import type { LiveModel } from "../../src/live/live-model.ts";
import { MetricBook } from "../../src/live/metric-book.ts";
import { ModelReceiver, ModelSender } from "../../src/live/model-transfer.ts";
import { modelOf } from "../support/live-model.ts";

const step = fc.record({
  counts: fc.array(fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 5 }), fc.boolean()), { maxLength: 8 }),
  active: fc.array(fc.nat(6), { maxLength: 6 }),
  isLooked: fc.boolean(),
});

test("a model is the same on the other side, whatever came and went before", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), fc.integer({ min: 0, max: 12 }), (steps, maxSeries) => {
      const book = new MetricBook(maxSeries);
      const sender = new ModelSender();
      const receiver = new ModelReceiver();
      let model: LiveModel = modelOf();
      for (const [time, { counts, active, isLooked }] of steps.entries()) {
        if (isLooked) {
          for (const [backend, value, isShown] of counts) {
            const exemplar = { connection: `c${time}`, communityId: "1:x", value, time };
            const shown = isShown ? { time, make: () => exemplar } : null;
            book.add("connections_total", ["v", `b${backend}`, "reset"], value, shown);
            book.connect(["v", `b${backend}`], value, shown);
          }
          book.replace(
            "connections_active",
            active.map((backend) => [["v", `b${backend}`], 1] as const),
          );
          model = modelOf({
            vips: [],
            metrics: {
              connections_total: book.read("connections_total"),
              connections_active: book.read("connections_active"),
              series_dropped_total: book.read("series_dropped_total"),
              connect_duration_seconds: book.readConnects(),
            },
          });
        }
        const now = { ...model, sequence: time, now: time };
        const message = structuredClone(sender.message(now));
        // what no look changed is not sent
        if (!isLooked && time > 0) expect(message.figures).toBeNull();
        expect(receiver.model(message)).toEqual(now);
      }
    }),
  );
});

test("series that stay keep their labels' array, so that a printer knows them again", () => {
  const book = new MetricBook(10);
  const sender = new ModelSender();
  const receiver = new ModelReceiver();
  const send = () => {
    const metrics = { connections_total: book.read("connections_total") };
    return receiver.model(structuredClone(sender.message(modelOf({ metrics })))).metrics.connections_total;
  };
  book.add("connections_total", ["v", "b1", "ok"], 1);
  const [before] = send();
  book.add("connections_total", ["v", "b2", "ok"], 1);
  expect(send()[0]!.labels).toBe(before!.labels);
});
