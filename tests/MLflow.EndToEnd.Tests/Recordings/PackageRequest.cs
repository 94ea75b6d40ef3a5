using System.ClientModel;
using System.ClientModel.Primitives;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>Arguments of a protocol method, from a recording.</summary>
public sealed class PackageRequest(Recording recording, CancellationToken cancellationToken)
{
    private readonly string[] _segments = recording.Url.AbsolutePath.Split('/', StringSplitOptions.RemoveEmptyEntries)[1..];

    public BinaryContent Body { get; } = BinaryContent.Create(BinaryData.FromBytes(recording.RequestBody ?? []));

    public string ContentType { get; } = recording.RequestContentType ?? "application/json";

    public RequestOptions Options { get; } = new() { BufferResponse = !recording.IsEventStream, CancellationToken = cancellationToken };

    /// <summary>A segment of the path behind the version.</summary>
    public string this[int index] => index < _segments.Length ? Uri.UnescapeDataString(_segments[index]) : "unused";
}
