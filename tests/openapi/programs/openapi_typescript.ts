import createClient from "openapi-fetch";
import type { paths } from "./native";
import type { paths as OpenAIPaths } from "./openai";

declare const process: { env: Record<string, string> };
const options = {
  baseUrl: process.env.RUSHES_URL,
  headers: { authorization: `Bearer ${process.env.RUSHES_API_KEY}` },
};
const native = createClient<paths>(options);
const openai = createClient<OpenAIPaths>(options);

async function main(): Promise<void> {
  const path = { job_id: process.env.RUSHES_JOB };
  const caller = await native.GET("/rushes/v1/whoami");
  const job = await native.GET("/rushes/v1/jobs/{job_id}", { params: { path } });
  const video = await openai.GET("/openai/v1/videos/{job_id}", { params: { path } });
  if (!caller.data || !job.data || !video.data) {
    throw new Error(JSON.stringify([caller.error, job.error, video.error]));
  }
  console.log(JSON.stringify({ account: caller.data.account, job: job.data.id, status: video.data.status }));
}

main();
