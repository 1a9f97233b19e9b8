/** The colours of the style sheet for what draws on a canvas, kept up with light and dark. */
import { useEffect, useState } from "preact/hooks";
import type { RefObject } from "preact";

export interface Colours {
  readonly text: string;
  readonly grid: string;
  readonly lines: readonly string[];
}

export function useColours(element: RefObject<Element | null>): Colours | undefined {
  const [colours, setColours] = useState<Colours | undefined>(undefined);
  useEffect(() => {
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const read = (): void => {
      if (element.current === null) return;
      const style = getComputedStyle(element.current);
      const of = (name: string): string => style.getPropertyValue(name).trim();
      setColours({
        text: of("--quiet"),
        grid: of("--hairline"),
        lines: [0, 1, 2].map((n) => of(`--line-${String(n)}`)),
      });
    };
    read();
    dark.addEventListener("change", read);
    return () => dark.removeEventListener("change", read);
  }, []);
  return colours;
}
