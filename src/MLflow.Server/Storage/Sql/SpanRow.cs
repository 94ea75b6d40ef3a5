using MLflow.Server.Conventions;
using MLflow.Server.Pricing;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sql;

/// <summary>A span with its columns and its payload, its conventions mapped, and its cost.</summary>
internal sealed class SpanRow
{
    public SpanRow(SpanRecord sent, IReadOnlyList<SpanEventRecord> logs, CallPricer pricer)
    {
        Record = pricer.Price(ConventionMapper.Map(sent, logs));
        Facts = SpanFacts.From(Record);
        Payload = SpanPayload.Encode(Record, out var codec);
        Codec = codec;
    }

    public SpanRecord Record { get; }

    public SpanFacts Facts { get; }

    public int Codec { get; }

    public byte[] Payload { get; }
}
