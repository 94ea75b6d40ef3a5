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
        var array = MemoryMarshal.TryGetArray(body, out var segment) ? segment : new ArraySegment<byte>(body.ToArray());
        try
        {
            // From an array, texts are read where they lie.
            using var input = new CodedInputStream(array.Array!, array.Offset, array.Count);
            message.MergeFrom(input);
            return message;
        }
        catch (InvalidProtocolBufferException)
        {
            // Or it is nested deeper than the parser takes from an array, which cannot be set.
            return ParseDeep(array, (T)message.Descriptor.Parser.ParseFrom(ByteString.Empty));
        }
    }

    private static T ParseDeep<T>(ArraySegment<byte> body, T message)
        where T : IMessage
    {
        try
        {
            using var stream = new MemoryStream(body.Array!, body.Offset, body.Count);
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
