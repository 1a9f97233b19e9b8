import { isDeepStrictEqual } from "node:util";
import { isTooDeep } from "../unit/shared/codec/oracle.js";
import type { Kind, RecordValues } from "../unit/shared/codec/oracle.js";

/** Our words when we refuse what protobuf-es takes, and what the difference is; see `oracle.ts`. */
const STRICTER: readonly (readonly [RegExp, string])[] = [
  [/longer than 10 bytes/, "refused: a varint of more than 10 bytes"],
  [/ends beyond|the bytes end in the middle/, "refused: a field that ends beyond its message"],
];

/** Counts where the codec and protobuf-es differ; a difference that is not known is an error. */
export class Differences {
  readonly counts = new Map<string, number>();

  /** @param ours what the codec made of a single entry; undefined when it refused, with `error` */
  note<Values extends RecordValues>(
    kind: Kind<Values>,
    bytes: Uint8Array,
    ours: Values | undefined,
    error: string,
  ): void {
    let theirs: Values | undefined;
    let theirError: unknown;
    try {
      theirs = kind.plain(bytes);
    } catch (thrown) {
      theirError = thrown;
    }
    if (isSame(ours, theirs)) return;
    const why = reasonOf(kind, bytes, { ours, error, theirs, theirError });
    if (why === undefined) {
      throw new Error(`differs from protobuf-es without a known reason: ${error || String(theirError)}`);
    }
    this.counts.set(why, (this.counts.get(why) ?? 0) + 1);
  }
}

interface Both<Values> {
  readonly ours: Values | undefined;
  readonly error: string;
  readonly theirs: Values | undefined;
  readonly theirError: unknown;
}

function reasonOf<Values extends RecordValues>(
  kind: Kind<Values>,
  bytes: Uint8Array,
  { ours, error, theirs, theirError }: Both<Values>,
): string | undefined {
  if (kind.hasOtherWireType(bytes)) return "passed over or refused: a known field of another wire type";
  if (ours === undefined) return STRICTER.find(([words]) => words.test(error))?.[1];
  if (isTooDeep(theirError)) return "accepted: unknown groups nested up to 100 deep";
  const withoutMark = { ...ours, Meta: ours.Meta.replace(/^\ufeff/u, "") };
  return isSame(withoutMark, theirs) ? "kept: a byte order mark in front of a text" : undefined;
}

function isSame(ours: RecordValues | undefined, theirs: RecordValues | undefined): boolean {
  return isDeepStrictEqual(ours, theirs);
}
