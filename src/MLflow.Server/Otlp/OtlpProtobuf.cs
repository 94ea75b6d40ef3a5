using System.Runtime.InteropServices;
using Google.Protobuf;

namespace MLflow.Server.Otlp;

/// <summary>Reads OTLP in protobuf.</summary>
internal static class OtlpProtobuf
{
    /// <exception cref="OtlpException">The bytes are not such a message, nested too deep, or there is too much in it.</exception>
    public static T Parse<T>(ReadOnlyMemory<byte> body, T message, MlflowServerLimits limits)
        where T : IMessage
    {
        OtlpParts.Require(body.Span, limits);
        try
        {
            var array = MemoryMarshal.TryGetArray(body, out var segment) ? segment : new ArraySegment<byte>(body.ToArray());
            using var stream = new MemoryStream(array.Array!, array.Offset, array.Count);
            using var input = CodedInputStream.CreateWithLimits(stream, int.MaxValue, OtlpLimits.MaxNesting);
            message.MergeFrom(input);
            return message;
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new OtlpException(StatusCodes.Status400BadRequest, "Invalid OpenTelemetry format", e);
        }
    }
}
