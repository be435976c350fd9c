import { nativeJobsRetrieve, nativeWhoami } from "./native";
import { client as native } from "./native/client.gen";
import { openaiRetrieve } from "./openai";
import { client as openai } from "./openai/client.gen";

declare const process: { env: Record<string, string> };
for (const client of [native, openai]) {
  client.setConfig({
    baseUrl: process.env.RUSHES_URL,
    headers: { authorization: `Bearer ${process.env.RUSHES_API_KEY}` },
  });
}

async function main(): Promise<void> {
  const path = { job_id: process.env.RUSHES_JOB };
  const caller = await nativeWhoami();
  const job = await nativeJobsRetrieve({ path });
  const video = await openaiRetrieve({ path });
  if (!caller.data || !job.data || !video.data) {
    throw new Error(JSON.stringify([caller.error, job.error, video.error]));
  }
  console.log(JSON.stringify({ account: caller.data.account, job: job.data.id, status: video.data.status }));
}

main();
