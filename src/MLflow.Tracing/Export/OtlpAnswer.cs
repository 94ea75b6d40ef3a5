using System.Text;
using System.Text.Json;

namespace MLflow;

/// <summary>
/// What a server says of the spans that it was sent: an <c>ExportTraceServiceResponse</c> of opentelemetry-proto 1.7, as protobuf or, by MLflow 3.6, as JSON
/// under protobuf's name. Empty means that all were taken.
/// </summary>
/// <param name="Rejected">Spans that were not taken.</param>
/// <param name="Message">Why, or null.</param>
internal readonly record struct OtlpAnswer(long Rejected, string? Message)
{
    private const int PartialSuccess = 1;
    private const int RejectedSpans = 1;
    private const int ErrorMessage = 2;

    /// <returns>Null for what is no such answer, for example a page of a proxy.</returns>
    public static OtlpAnswer? Read(ReadOnlySpan<byte> body)
    {
        try
        {
            return body.TrimStart(" \t\r\n"u8) is [(byte)'{', ..] ? ReadJson(body) : ReadProtobuf(body);
        }
        catch (Exception e) when (e is InvalidDataException or JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static OtlpAnswer ReadProtobuf(ReadOnlySpan<byte> body)
    {
        var answer = default(OtlpAnswer);
        for (var field = new ProtobufReader(body); field.Read();)
        {
            if (field.Field != PartialSuccess)
            {
                continue;
            }

            for (var part = new ProtobufReader(field.Bytes); part.Read();)
            {
                if (part.Field == RejectedSpans)
                {
                    answer = answer with { Rejected = (long)part.Number };
                }
                else if (part.Field == ErrorMessage)
                {
                    answer = answer with { Message = Encoding.UTF8.GetString(part.Bytes) };
                }
            }
        }

        return answer;
    }

    private static OtlpAnswer ReadJson(ReadOnlySpan<byte> body)
    {
        using var document = JsonDocument.Parse(body.ToArray());
        if (!document.RootElement.TryGetProperty("partialSuccess", out var partial) || partial.ValueKind != JsonValueKind.Object)
        {
            return default;
        }

        // ProtoJSON writes 64-bit integers as text.
        long rejected = 0;
        if (partial.TryGetProperty("rejectedSpans", out var count))
        {
            rejected = count.ValueKind == JsonValueKind.String ? long.Parse(count.GetString()!, System.Globalization.CultureInfo.InvariantCulture) : count.GetInt64();
        }

        return new OtlpAnswer(rejected, partial.TryGetProperty("errorMessage", out var message) ? message.GetString() : null);
    }
}
