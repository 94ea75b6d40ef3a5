using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>A span with its columns and its payload.</summary>
internal sealed class SpanRow
{
    public SpanRow(SpanRecord record)
    {
        Record = record;
        Facts = SpanFacts.From(record);
        Payload = SpanPayload.Encode(record, out var codec);
        Codec = codec;
    }

    public SpanRecord Record { get; }

    public SpanFacts Facts { get; }

    public int Codec { get; }

    public byte[] Payload { get; }
}
