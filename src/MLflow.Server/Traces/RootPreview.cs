using System.Buffers;
using System.Text;

namespace MLflow.Server.Traces;

/// <summary>The short text that lists show of a root span's inputs and outputs, as the SDK makes it for its own traces.</summary>
internal static class RootPreview
{
    public static string? Of(string? json, ReadOnlySpan<byte> role) =>
        json is null ? null : (json.StartsWith('{') ? LastMessage(json, role) : null) ?? TracePreview.Cut(json, TracePreview.MaxLength);

    private static string? LastMessage(string json, ReadOnlySpan<byte> role)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(json.Length));
        try
        {
            return TracePreview.LastMessage(bytes.AsSpan(0, Encoding.UTF8.GetBytes(json, bytes)), role);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
