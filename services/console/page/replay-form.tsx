import { useId, useState } from "preact/hooks";
import type { ReplayAnswer } from "../console-look.js";
import { replayItem } from "./api.js";

export interface ReplayProps {
  readonly canReplay: boolean;
  readonly token: string;
  readonly onToken: (token: string) => void;
}

/** Sends one item again, for whoever has the token. */
export function ReplayForm({
  sequence,
  canReplay,
  token,
  onToken,
}: ReplayProps & { readonly sequence: number }) {
  const id = useId();
  const [isSending, setSending] = useState(false);
  const [answer, setAnswer] = useState<ReplayAnswer | undefined>(undefined);
  if (!canReplay) {
    return (
      <p class="quiet">
        Read-only: start the console with <code>CONSOLE_TOKEN</code> or <code>CONSOLE_TOKEN_FILE</code> to
        replay from here, or use <code>crunch parked replay {sequence}</code>.
      </p>
    );
  }
  const send = async (): Promise<void> => {
    setSending(true);
    setAnswer(await replayItem(sequence, token));
    setSending(false);
  };
  return (
    <form
      class="replay"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <label for={id}>Token</label>
      <input
        id={id}
        type="password"
        autocomplete="off"
        required
        value={token}
        onInput={(event) => onToken(event.currentTarget.value)}
      />
      <button type="submit" class="main" disabled={isSending || answer?.ok === true}>
        Replay {sequence}
      </button>
      <p role="status" class={answer === undefined ? "" : answer.ok ? "well" : "warning"}>
        {isSending ? "sending …" : (answer?.detail ?? "")}
      </p>
    </form>
  );
}
