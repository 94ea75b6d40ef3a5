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
    public int Codec { get; private set; }

    /// <summary>As <see cref="Codec"/>.</summary>
    public byte[] Payload { get; private set; } = [];

    /// <summary>Names of the contents in the blob store that the payload refers to.</summary>
    public IReadOnlyList<string> Blobs { get; private set; } = [];

    /// <summary>The same span with its payload.</summary>
    public SpanRow With((int Codec, byte[] Payload) payload) => this with { Codec = payload.Codec, Payload = payload.Payload };

    /// <summary>Parts of the payload lie in the blob store. The payload was no frame's.</summary>
    public void Move(byte[] manifest, IReadOnlyList<string> blobs) => (Codec, Payload, Blobs) = (PayloadFrame.InBlobs, manifest, blobs);
}
