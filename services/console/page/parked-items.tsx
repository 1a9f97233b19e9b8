import { useEffect, useState } from "preact/hooks";
import type { ParkedItem } from "../console-look.js";
import { fetchParked } from "./api.js";

/** The items of one reason, oldest first, as the console gives them: a page at a time. */
export function ParkedItems(props: {
  readonly reason: string;
  /** How many there are: another number is a reason to ask again. */
  readonly records: number;
  readonly onOpen: (sequence: number) => void;
}) {
  const { reason, records, onOpen } = props;
  const [items, setItems] = useState<readonly ParkedItem[]>([]);
  const [next, setNext] = useState<number | null>(null);
  const [problem, setProblem] = useState("");

  const load = async (fromSequence: number, before: readonly ParkedItem[]): Promise<void> => {
    try {
      const list = await fetchParked(reason, fromSequence);
      setItems([...before, ...list.items]);
      setNext(list.nextSequence);
      setProblem("");
    } catch (thrown) {
      setProblem(thrown instanceof Error ? thrown.message : String(thrown));
    }
  };
  useEffect(() => void load(1, []), [reason, records]);

  return (
    <>
      {problem !== "" && <p class="warning">{problem}</p>}
      <ul class="items">
        {items.map((item) => (
          <li key={item.sequence}>
            <button
              type="button"
              class="item"
              data-sequence={item.sequence}
              onClick={() => onOpen(item.sequence)}
            >
              <span class="figure quiet">{item.sequence}</span>
              <span class="figure">{item.ids.length === 0 ? "no record" : `ID ${item.ids.join(", ")}`}</span>
              <span class="error">{item.error.split("\n", 1)[0]}</span>
            </button>
          </li>
        ))}
      </ul>
      {next !== null && (
        <button type="button" onClick={() => void load(next, items)}>
          More
        </button>
      )}
    </>
  );
}
