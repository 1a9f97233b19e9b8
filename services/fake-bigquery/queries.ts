/** Queries by REST: answered at once from the database, whoever asks in which way. */
import { randomUUID } from "node:crypto";
import { messageOf } from "../shared/errors.js";
import type { Answer } from "./answers.js";
import { error } from "./answers.js";
import type { FakeDatabase, PlacedTable, QueryResult } from "./database.js";
import type { Json } from "./faults.js";
import { readViewDdl } from "./google-sql.js";

export interface QueriesParts {
  /** Opened when first asked for. */
  readonly database: () => Promise<FakeDatabase>;
  readonly tables: () => readonly PlacedTable[];
  readonly define: (datasetId: string, tableId: string, resource: Json) => void;
}

const MICROS = 1e6;

export class FakeQueries {
  readonly #parts: QueriesParts;
  readonly #results = new Map<string, QueryResult>();

  constructor(parts: QueriesParts) {
    this.#parts = parts;
  }

  /** jobs.query, jobs.insert of a query and jobs.getQueryResults. @returns undefined if it is none of them */
  async answer(
    method: string,
    path: string,
    json: Json | undefined,
    asInt64: boolean,
  ): Promise<Answer | undefined> {
    const [, jobId] = /^(?:queries|jobs)\/(.+)$/.exec(path) ?? [];
    if (method === "GET") {
      const known = this.#results.get(jobId ?? "");
      if (known === undefined) return undefined;
      return path.startsWith("queries/") ? answerOf(jobId ?? "", known, asInt64) : jobOf(jobId ?? "");
    }
    const isJob = path === "jobs";
    const { query } = (isJob ? (json?.configuration as Json | undefined)?.query : json) as Json & {
      query?: unknown;
    };
    if (typeof query !== "string") return undefined;
    const { jobId: given } = (json?.jobReference ?? {}) as { jobId?: string };
    const id = given ?? randomUUID();
    try {
      const result = await this.#run(query);
      this.#results.set(id, result);
      const { useInt64Timestamp } = (json?.formatOptions ?? {}) as { useInt64Timestamp?: boolean };
      return isJob ? jobOf(id) : answerOf(id, result, useInt64Timestamp === true);
    } catch (thrown) {
      return error(400, "invalidQuery", messageOf(thrown));
    }
  }

  /** @throws Error with the reason in DuckDB's words */
  async #run(sql: string): Promise<QueryResult> {
    const { database, tables, define } = this.#parts;
    const view = readViewDdl(sql);
    if (view === undefined) return (await database()).query(sql, tables());
    const { datasetId, tableId, query, replaces, keeps } = view;
    const isThere = tables().some((one) => one.datasetId === datasetId && one.tableId === tableId);
    if (isThere && !replaces && !keeps) throw new Error(`Already Exists: Table ${datasetId}.${tableId}`);
    if (!isThere || replaces)
      define(datasetId, tableId, { type: "VIEW", view: { query, useLegacySql: false } });
    return { fields: [], rows: [] };
  }
}

function jobOf(jobId: string): Answer {
  const body = {
    kind: "bigquery#job",
    jobReference: { projectId: "p", jobId },
    configuration: { query: {} },
    status: { state: "DONE" },
  };
  return { status: 200, body };
}

function answerOf(jobId: string, { fields, rows }: QueryResult, asInt64: boolean): Answer {
  const value = (text: string | null, index: number): string | null =>
    text !== null && !asInt64 && fields[index]?.type === "TIMESTAMP" ? String(Number(text) / MICROS) : text;
  const body = {
    kind: "bigquery#queryResponse",
    jobReference: { projectId: "p", jobId },
    jobComplete: true,
    schema: { fields },
    totalRows: String(rows.length),
    rows: rows.map((row) => ({ f: row.map((text, index) => ({ v: value(text, index) })) })),
  };
  return { status: 200, body };
}
