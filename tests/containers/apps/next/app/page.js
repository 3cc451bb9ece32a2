import { REVISION, VERSION } from "../lib/release.mjs";

export const dynamic = "force-dynamic";

export default function Page() {
  return (
    <main>
      <h1>Next sample {VERSION}</h1>
      <p>{REVISION}</p>
    </main>
  );
}
