/** Validates plain data against a JSON schema as far as ours go: an unknown keyword fails, so that none is passed over. */

type Schema = Readonly<Record<string, unknown>>;

/** Words that describe and do not constrain. */
const SILENT = new Set(["$schema", "title", "description", "examples", "default"]);

const typeOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : typeof value;

/** What is wrong, each as "path: problem"; empty when it is valid. */
export function schemaErrors(schema: Schema, value: unknown, path = "$"): string[] {
  return Object.entries(schema).flatMap(([word, rule]): string[] => {
    if (SILENT.has(word)) return [];
    switch (word) {
      case "type":
        return [rule]
          .flat()
          .some((type) => type === typeOf(value) || (type === "integer" && Number.isInteger(value)))
          ? []
          : [`${path}: ${typeOf(value)}, expected ${String(rule)}`];
      case "const":
        return value === rule ? [] : [`${path}: expected ${String(rule)}`];
      case "enum":
        return (rule as unknown[]).includes(value) ? [] : [`${path}: ${String(value)} is not listed`];
      case "minimum":
        return (value as number) >= (rule as number) ? [] : [`${path}: below ${String(rule)}`];
      case "maximum":
        return (value as number) <= (rule as number) ? [] : [`${path}: above ${String(rule)}`];
      case "minLength":
        return (value as string).length >= (rule as number) ? [] : [`${path}: too short`];
      case "minItems":
        return (value as unknown[]).length >= (rule as number) ? [] : [`${path}: too few`];
      case "anyOf": {
        const tries = (rule as Schema[]).map((one) => schemaErrors(one, value, path));
        return tries.some((errors) => errors.length === 0) ? [] : tries.flat();
      }
      case "items":
        return Array.isArray(value)
          ? value.flatMap((item, i) => schemaErrors(rule as Schema, item, `${path}[${i}]`))
          : [];
      case "required":
        return (rule as string[])
          .filter((key) => value === null || typeof value !== "object" || !Object.hasOwn(value, key))
          .map((key) => `${path}: no ${key}`);
      case "properties":
        return members(value).flatMap(([key, member]) => {
          const own = (rule as Record<string, Schema>)[key];
          return own === undefined ? [] : schemaErrors(own, member, `${path}.${key}`);
        });
      case "propertyNames":
        return members(value).flatMap(([key]) => schemaErrors(rule as Schema, key, `${path}.${key}`));
      case "additionalProperties": {
        const known = Object.keys((schema.properties ?? {}) as object);
        const others = members(value).filter(([key]) => !known.includes(key));
        if (rule === false) return others.map(([key]) => `${path}: unknown key ${key}`);
        return others.flatMap(([key, member]) => schemaErrors(rule as Schema, member, `${path}.${key}`));
      }
      default:
        return [`${path}: the schema's word ${word} is not known here`];
    }
  });
}

const members = (value: unknown): [string, unknown][] =>
  value !== null && typeof value === "object" && !Array.isArray(value) ? Object.entries(value) : [];
