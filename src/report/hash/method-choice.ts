import type { SelectionMethod } from "../../balance/selection/selection.ts";
import { suggestion } from "./nearest-names.ts";
import { parseOptionValue } from "./option-value.ts";
import { QuestionError } from "./question-error.ts";

/** A method with what the user set of it. */
export interface ChosenMethod {
  /** Its id, with the options set where it is asked for with several: `katran-v2 ring=4099`. */
  label: string;
  method: SelectionMethod;
  /** What differs from the defaults. */
  options: Readonly<Record<string, unknown>>;
}

export interface MethodWishes {
  /** `ID` or `ID:OPTION=VALUE[,OPTION=VALUE…]`; none is all. */
  methods: readonly string[];
  /** `OPTION=VALUE` for every method that has it, `ID.OPTION=VALUE` for one. */
  options: readonly string[];
  /** All methods, besides those that are named. */
  isCompared: boolean;
}

/** @throws QuestionError where there is no such method or option, or no such value of it. */
export function chooseMethods(all: readonly SelectionMethod[], wishes: MethodWishes): ChosenMethod[] {
  const named = wishes.methods.map((text) => namedMethod(all, text));
  const rest = all.filter((method) => !named.some((one) => one.method === method));
  const isAll = wishes.isCompared || named.length === 0;
  const chosen = isAll ? [...named, ...rest.map((method) => ({ label: method.id, method, options: {} }))] : named;
  const common = optionsForAll(all, chosen, wishes.options);
  const merged = chosen.map(({ method, options }) => ({ method, options: { ...common.get(method), ...options } }));
  return merged.map(({ method, options }, index) => {
    const twins = merged.filter((one) => one.method === method);
    const isAlone = twins.length === 1;
    const label = isAlone ? method.id : [method.id, ...Object.entries(options).map(optionText)].join(" ");
    const isRepeated = merged.findIndex((one) => one.method === method && sameOptions(one.options, options)) < index;
    if (isRepeated) throw new QuestionError(`method ${label} is asked for twice`);
    return { label, method, options };
  });
}

/** The method of an id. */
export function methodOf(all: readonly SelectionMethod[], id: string): SelectionMethod {
  const method = all.find((one) => one.id === id);
  if (method) return method;
  const ids = all.map((one) => one.id);
  throw new QuestionError(`no method ${id}${suggestion(id, ids)}`);
}

/** `ring=65537`, as it can be typed. */
export function optionText([name, value]: [string, unknown]): string {
  return `${name}=${valueText(value)}`;
}

export function valueText(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(valueText).join("+");
  return value === null || value === undefined ? "none" : String(value);
}

function namedMethod(all: readonly SelectionMethod[], text: string): Omit<ChosenMethod, "label"> {
  const [id = "", ...rest] = text.split(":");
  const method = methodOf(all, id);
  const settings = rest
    .join(":")
    .split(",")
    .filter((setting) => setting !== "");
  const options: Record<string, unknown> = {};
  for (const setting of settings) {
    const { name, value } = splitSetting(setting);
    options[name] = optionValue(method, name, value);
  }
  return { method, options };
}

function optionsForAll(
  all: readonly SelectionMethod[],
  chosen: readonly Omit<ChosenMethod, "label">[],
  settings: readonly string[],
): Map<SelectionMethod, Record<string, unknown>> {
  const options = new Map<SelectionMethod, Record<string, unknown>>();
  const set = (method: SelectionMethod, name: string, value: string) => {
    options.set(method, { ...options.get(method), [name]: optionValue(method, name, value) });
  };
  const methods = [...new Set(chosen.map(({ method }) => method))];
  for (const setting of settings) {
    const { name: path, value } = splitSetting(setting);
    const dot = path.lastIndexOf(".");
    if (dot >= 0) {
      const method = methodOf(all, path.slice(0, dot));
      set(method, path.slice(dot + 1), value);
      if (!methods.includes(method))
        throw new QuestionError(`${setting}: ${method.id} is not among the methods asked for`);
      continue;
    }
    const having = methods.filter((method) => path in method.defaults);
    if (having.length === 0) {
      const names = [...new Set(methods.flatMap((method) => Object.keys(method.defaults)))];
      throw new QuestionError(`no method asked for has an option ${path}${suggestion(path, names)}`);
    }
    for (const method of having) {
      try {
        set(method, path, value);
      } catch (error) {
        if (!(error instanceof QuestionError)) throw error;
        throw new QuestionError(`${error.message}; ID.${path}=VALUE sets it for one method`);
      }
    }
  }
  return options;
}

function splitSetting(text: string): { name: string; value: string } {
  const equals = text.indexOf("=");
  if (equals < 1) throw new QuestionError(`${text}: expected OPTION=VALUE`);
  return { name: text.slice(0, equals), value: text.slice(equals + 1) };
}

function optionValue(method: SelectionMethod, name: string, text: string): unknown {
  const defaults = method.defaults as Readonly<Record<string, unknown>>;
  if (!Object.hasOwn(defaults, name)) {
    throw new QuestionError(`${method.id} has no option ${name}${suggestion(name, Object.keys(defaults))}`);
  }
  return parseOptionValue(text, defaults[name], `${method.id}.${name}`);
}

function sameOptions(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const text = (options: Readonly<Record<string, unknown>>) => Object.entries(options).map(optionText).sort().join();
  return text(a) === text(b);
}
