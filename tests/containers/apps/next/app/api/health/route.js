import { HEALTHY, REVISION, VERSION } from "../../../lib/release.mjs";

export const dynamic = "force-dynamic";

export function GET() {
  const body = { status: HEALTHY ? "healthy" : "degraded", version: VERSION, revision: REVISION };
  return Response.json(body, { status: HEALTHY ? 200 : 503 });
}
