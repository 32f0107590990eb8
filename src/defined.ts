/** `T` with what may be undefined made optional. */
export type Defined<T> = {
  readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & { readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> };

/**
 * The fields that have a value: an option that was not given is absent, not undefined, so that it does not hide a
 * default where two sets of options are put together.
 *
 * @example defined({ dtype: "fp8", batch: undefined }) // { dtype: "fp8" }
 */
export function defined<T extends object>(fields: T): Defined<T> {
  const given: Partial<T> = {};
  for (const name in fields) if (fields[name] !== undefined) given[name] = fields[name];
  return given as unknown as Defined<T>;
}
