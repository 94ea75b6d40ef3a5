namespace MLflow;

internal static partial class ApiCatalog
{
    /// <summary>Assistants, threads and their runs, and ChatKit.</summary>
    private static IEnumerable<ApiOperation> Assistants()
    {
        var runs = new BodyFormRecorder(() => new RunStreamMerge());
        return
        [
            Row("beta.assistants.list", "GET", "/assistants"),
            Row("beta.assistants.create", "POST", "/assistants"),
            Row("beta.assistants.retrieve", "GET", "/assistants/{assistant_id}"),
            Row("beta.assistants.update", "POST", "/assistants/{assistant_id}"),
            Row("beta.assistants.delete", "DELETE", "/assistants/{assistant_id}"),

            Row("beta.threads.create", "POST", "/threads"),
            Row("beta.threads.create_and_run", "POST", "/threads/runs", MLflow.SpanType.Agent, runs),
            Row("beta.threads.retrieve", "GET", "/threads/{thread_id}"),
            Row("beta.threads.update", "POST", "/threads/{thread_id}"),
            Row("beta.threads.delete", "DELETE", "/threads/{thread_id}"),
            Row("beta.threads.messages.list", "GET", "/threads/{thread_id}/messages"),
            Row("beta.threads.messages.create", "POST", "/threads/{thread_id}/messages"),
            Row("beta.threads.messages.retrieve", "GET", "/threads/{thread_id}/messages/{message_id}"),
            Row("beta.threads.messages.update", "POST", "/threads/{thread_id}/messages/{message_id}"),
            Row("beta.threads.messages.delete", "DELETE", "/threads/{thread_id}/messages/{message_id}"),
            Row("beta.threads.runs.list", "GET", "/threads/{thread_id}/runs"),
            Row("beta.threads.runs.create", "POST", "/threads/{thread_id}/runs", MLflow.SpanType.Agent, runs),
            Row("beta.threads.runs.retrieve", "GET", "/threads/{thread_id}/runs/{run_id}"),
            Row("beta.threads.runs.update", "POST", "/threads/{thread_id}/runs/{run_id}"),
            Row("beta.threads.runs.cancel", "POST", "/threads/{thread_id}/runs/{run_id}/cancel"),
            Row("beta.threads.runs.steps.list", "GET", "/threads/{thread_id}/runs/{run_id}/steps"),
            Row("beta.threads.runs.steps.retrieve", "GET", "/threads/{thread_id}/runs/{run_id}/steps/{step_id}"),
            Row("beta.threads.runs.submit_tool_outputs", "POST", "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs", MLflow.SpanType.Agent, runs),

            Row("beta.chatkit.sessions.cancel", "POST", "/chatkit/sessions/{session_id}/cancel"),
            Row("beta.chatkit.sessions.create", "POST", "/chatkit/sessions"),
            Row("beta.chatkit.threads.list_items", "GET", "/chatkit/threads/{thread_id}/items"),
            Row("beta.chatkit.threads.retrieve", "GET", "/chatkit/threads/{thread_id}"),
            Row("beta.chatkit.threads.delete", "DELETE", "/chatkit/threads/{thread_id}"),
            Row("beta.chatkit.threads.list", "GET", "/chatkit/threads"),
        ];
    }
}
