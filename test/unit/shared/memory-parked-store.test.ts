import { MemoryMessaging } from "../../../services/shared/memory/memory-messaging.js";
import { parkedStoreContract } from "../../contract/parked-store-contract.js";

parkedStoreContract("memory", () => {
  const messaging = new MemoryMessaging({ engineId: "engine-1" });
  const { parkedStore, publisher } = messaging;
  return Promise.resolve({ parkedStore, publisher, close: () => messaging.close() });
});
