using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Postgres;

/// <content>Prompts of traces. They stand in the tag by which clients tell them, so that what is told either way is found alike.</content>
internal sealed partial class PostgresTraceStore
{
    private const string SelectTagSql = "SELECT value FROM trace_tags WHERE trace_id = $1 AND key = $2";

    public Task LinkPromptsAsync(string traceId, IReadOnlyList<PromptVersion> prompts, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            await TraceExistence.RequireAsync(session, traceId).ConfigureAwait(false);
            var linked = (await session.QueryAsync(SelectTagSql, row => row.Text(0), traceId, LinkedPrompts.Tag).ConfigureAwait(false)).SingleOrDefault();
            var all = LinkedPrompts.Join(traceId, linked, prompts);
            if (all.Count > 0)
            {
                await PostgresTraceWriter.UpsertTagsAsync(session, [(traceId, LinkedPrompts.Tag, LinkedPrompts.Write(all))]).ConfigureAwait(false);
            }

            return true;
        },
        isIdempotent: true,
        cancellationToken);
}
