using MLflow.Server.Traces;

namespace MLflow.Server.Storage;

/// <summary>How the spans of an archived trace are written.</summary>
internal interface IArchiveFormat
{
    byte[] Write(IReadOnlyList<SpanRecord> spans);

    /// <summary>The spans as they were written.</summary>
    /// <exception cref="InvalidDataException">It cannot be read.</exception>
    IReadOnlyList<SpanRecord> Read(string traceId, byte[] content);
}
