import type { CrunchRecord, NamedCruncher } from "./cruncher.js";

/** RData = Data: the cost of the path without any crunching. */
export const identity: NamedCruncher = {
  name: "identity",
  version: "1",
  crunch: (record: CrunchRecord) => record.Data,
};
