using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sqlite;

/// <content>Prompts of traces. They stand in the tag by which clients tell them, so that what is told either way is found alike.</content>
internal sealed partial class SqliteTraceStore
{
    private const string SelectTagSql = "SELECT value FROM trace_tags WHERE trace_id = ?1 AND key = ?2";

    public Task LinkPromptsAsync(string traceId, IReadOnlyList<PromptVersion> prompts, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            TraceExistence.Require(session, traceId);
            var rows = session[SelectTagSql].Bind(1, traceId).Bind(2, LinkedPrompts.Tag);
            var linked = rows.Read() ? rows.GetString(0) : null;
            rows.Reset();
            var all = LinkedPrompts.Join(traceId, linked, prompts);
            if (all.Count > 0)
            {
                session[SqliteTraceWriter.UpsertTagSql].Bind(1, traceId).Bind(2, LinkedPrompts.Tag).Bind(3, LinkedPrompts.Write(all)).Execute();
            }

            return true;
        },
        cancellationToken);
}
