using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MLflow.Server.Traces;

/// <summary>Of which experiments and traces something has been stored. What it says of others is not excluded: it is told to look, not what there is to see.</summary>
/// <param name="Experiments">Their ids; null for any.</param>
/// <param name="Traces">Hashes of the ids (<see cref="Hash"/>), a few bytes for an id of any length; null for any trace.</param>
internal sealed record TraceChange(IReadOnlySet<long>? Experiments, IReadOnlySet<uint>? Traces)
{
    /// <summary>Whatever there is may have changed.</summary>
    public static readonly TraceChange Any = new(null, null);

    public static TraceChange Of(TraceBatch batch)
    {
        var traces = batch.Spans.Select(span => span.TraceId).ToHashSet();
        var experiments = traces.Select(batch.ExperimentOf).Concat(batch.Infos.Select(info => info.ExperimentId)).ToHashSet();
        return new TraceChange(experiments, traces.Concat(batch.Infos.Select(info => info.TraceId)).Select(Hash).ToHashSet());
    }

    public bool MayConcern(long experimentId) => Experiments?.Contains(experimentId) ?? true;

    public bool MayConcern(string traceId) => Traces?.Contains(Hash(traceId)) ?? true;

    public static uint Hash(string traceId) => BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(traceId)));
}
