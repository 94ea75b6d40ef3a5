using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sql;

/// <summary>A span as its row holds it.</summary>
/// <param name="Columns">What stands in columns.</param>
/// <param name="Codec">How the rest is written.</param>
/// <param name="Payload">The rest.</param>
internal sealed record StoredSpan(SpanRecord Columns, int Codec, byte[] Payload)
{
    /// <summary>The row's number, where rows have one.</summary>
    public long RowId { get; init; }

    /// <summary>The span as it was sent.</summary>
    public SpanRecord Sent()
    {
        var span = SpanPayload.Decode(Columns, Codec, Payload);
        return span.Sent ?? span;
    }
}
