// A CodeDeploy hook as AWS's samples write it: one request, one answer. No look-up, no report, no notification.
import { CodeDeployClient, PutLifecycleEventHookExecutionStatusCommand } from "@aws-sdk/client-codedeploy";

const codedeploy = new CodeDeployClient({});

async function handler(event) {
  let status = "Failed";
  try {
    const answer = await fetch(process.env.TARGET_URL, { method: "POST" });
    if (answer.status === 201) status = "Succeeded";
  } catch (error) {
    console.error(error);
  }
  await codedeploy.send(
    new PutLifecycleEventHookExecutionStatusCommand({
      deploymentId: event.DeploymentId,
      lifecycleEventHookExecutionId: event.LifecycleEventHookExecutionId,
      status,
    }),
  );
  return { status };
}

// What Lambda's own runtime for Node.js does around it.
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
for (;;) {
  const next = await fetch(`${api}/next`);
  const id = next.headers.get("lambda-runtime-aws-request-id");
  const result = await handler(await next.json());
  await fetch(`${api}/${id}/response`, { method: "POST", body: JSON.stringify(result) });
}
