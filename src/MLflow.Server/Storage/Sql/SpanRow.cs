using MLflow.Server.Conventions;
using MLflow.Server.Pricing;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sql;

/// <summary>A span with its columns, its conventions mapped, and its cost.</summary>
internal sealed record SpanRow
{
    public SpanRow(SpanRecord sent, IReadOnlyList<SpanEventRecord> logs, CallPricer pricer)
    {
        Record = pricer.Price(ConventionMapper.Map(sent, logs));
        Facts = SpanFacts.From(Record);
    }

    public SpanRecord Record { get; }

    public SpanFacts Facts { get; }

    /// <summary>See <see cref="PayloadFrame"/>. Set by the <see cref="TraceRows"/> that the span is written with.</summary>
    public int Codec { get; init; }

    /// <summary>As <see cref="Codec"/>.</summary>
    public byte[] Payload { get; init; } = [];
}
