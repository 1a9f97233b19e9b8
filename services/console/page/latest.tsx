import type { PlainRow } from "../../shared/codec/plain-rows.js";

const COLUMNS = ["ID", "Data", "Meta", "RData", "DTimeStamp", "ProcessTime"] as const;
const NUMBERS: ReadonlySet<string> = new Set(["ID", "Data", "RData"]);
/** Characters of a cell that are shown. */
const CELL_CHARS = 120;

export function Latest({ rows }: { readonly rows: readonly PlainRow[] }) {
  return (
    <section class="card latest" aria-labelledby="latest-title">
      <h2 id="latest-title">Latest results</h2>
      <p class="quiet">
        The end of RESULTS, newest first: on their way to the table or in it. Read there, because a DuckDB
        file that a results-engine has open cannot be read beside it.
      </p>
      {rows.length === 0 ? (
        <p>RESULTS keeps none now: what is stored is removed after some minutes.</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Latest results, as a table">
          <table>
            <thead>
              <tr>
                {COLUMNS.map((name) => (
                  <th key={name} scope="col" class={NUMBERS.has(name) ? "number" : ""}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={`${row.ID ?? ""} ${row.ProcessTime ?? ""}`}>
                  {COLUMNS.map((name) => (
                    <td key={name} class={NUMBERS.has(name) ? "number" : ""}>
                      {cellOf(row[name] ?? "")}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function cellOf(text: string): string {
  return text.length > CELL_CHARS ? `${text.slice(0, CELL_CHARS)} …` : text;
}
