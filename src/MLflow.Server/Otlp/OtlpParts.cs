namespace MLflow.Server.Otlp;

/// <summary>
/// Counts what a request is made of before it is parsed: an empty message is two bytes on the wire and many in memory.
/// The numbers of fields are those of https://github.com/open-telemetry/opentelemetry-proto; signals differ only in what their items hold.
/// </summary>
internal static class OtlpParts
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int LengthDelimited = 2;
    private const int StartGroup = 3;
    private const int EndGroup = 4;
    private const int Fixed32 = 5;

    private enum Kind
    {
        Text,
        Request,
        OfResource,
        OfScope,
        Item,
        Resource,
        Scope,
        Event,
        Link,
        KeyValue,
        Value,
        Values,
    }

    /// <exception cref="OtlpException">There is more than is taken at once.</exception>
    public static void Require(ReadOnlySpan<byte> request, MlflowServerLimits limits)
    {
        var (items, parts) = (0, 0);
        Count(request, Kind.Request, 0, limits.MaxSpansPerRequest, ref items, ref parts);
    }

    /// <exception cref="OtlpException">There are more than are taken at once.</exception>
    public static void RequireParts(int parts)
    {
        if (parts > OtlpLimits.MaxParts)
        {
            throw TooMany(OtlpLimits.MaxParts, "attributes, values and other parts");
        }
    }

    // What cannot be read ends the count; parsing says what is wrong with it.
    private static void Count(ReadOnlySpan<byte> message, Kind kind, int depth, int maxItems, ref int items, ref int parts)
    {
        while (TryReadVarint(ref message, out var tag))
        {
            // A group is passed over by the parser; what is in it counts as if it stood here.
            var type = tag & 7;
            if (type is StartGroup or EndGroup)
            {
                continue;
            }

            if (Length(type, ref message) is not { } length || length > (ulong)message.Length)
            {
                return;
            }

            var content = message[..(int)length];
            message = message[(int)length..];
            if (type != LengthDelimited || Of(kind, tag >> 3) is not (not Kind.Text and var inner))
            {
                continue;
            }

            RequireParts(++parts);
            if (inner == Kind.Item && ++items > maxItems)
            {
                throw TooMany(maxItems, "spans, log records or data points", " (--max-spans-per-request)");
            }

            if (depth < OtlpLimits.MaxNesting)
            {
                Count(content, inner, depth + 1, maxItems, ref items, ref parts);
            }
        }
    }

    /// <summary>Bytes of a value, where they are not read with the length; null where there is none.</summary>
    private static ulong? Length(ulong type, ref ReadOnlySpan<byte> from)
    {
        switch (type)
        {
            case Varint:
                return TryReadVarint(ref from, out _) ? 0 : null;
            case Fixed64:
                return 8;
            case Fixed32:
                return 4;
            case LengthDelimited:
                return TryReadVarint(ref from, out var length) ? length : null;
            default:
                return null;
        }
    }

    private static Kind Of(Kind kind, ulong field) => (kind, field) switch
    {
        (Kind.Request, 1) => Kind.OfResource,
        (Kind.OfResource, 1) => Kind.Resource,
        (Kind.OfResource, 2) => Kind.OfScope,
        (Kind.OfScope, 1) => Kind.Scope,
        (Kind.OfScope, 2) => Kind.Item,
        (Kind.Resource, 1) or (Kind.Scope, 3) or (Kind.Event, 3) or (Kind.Link, 4) => Kind.KeyValue,

        // Spans have attributes, events and links, log records a body and attributes.
        (Kind.Item, 9 or 6) => Kind.KeyValue,
        (Kind.Item, 11) => Kind.Event,
        (Kind.Item, 13) => Kind.Link,
        (Kind.Item, 5) or (Kind.KeyValue, 2) or (Kind.Values, 1) => Kind.Value,
        (Kind.Value, 5 or 6) => Kind.Values,
        _ => Kind.Text,
    };

    private static bool TryReadVarint(ref ReadOnlySpan<byte> from, out ulong value)
    {
        value = 0;
        for (var i = 0; i < from.Length && i < 10; i++)
        {
            value |= (ulong)(from[i] & 0x7f) << (7 * i);
            if (from[i] < 0x80)
            {
                from = from[(i + 1)..];
                return true;
            }
        }

        return false;
    }

    private static OtlpException TooMany(int limit, string what, string setting = "") =>
        new(StatusCodes.Status413PayloadTooLarge, $"The request has more than {limit} {what}, which is the most that is taken at once{setting}. Send smaller batches.");
}
