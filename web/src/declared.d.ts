declare module "*.py" {
  const text: string;
  export default text;
}
declare module "network-schema" {
  import type { Json } from "./playground/schema.ts";
  const schema: Json;
  export default schema;
}
