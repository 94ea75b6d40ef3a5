namespace MLflow.Fuzz;

/// <summary>Changes of fields that keep the lengths around them right, https://protobuf.dev/programming-guides/encoding/</summary>
internal static class ProtobufMutations
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int Bytes = 2;
    private const int Fixed32 = 5;
    private const int MaxDepth = 40;

    public static byte[] Mutate(Random random, byte[] input, byte[] other)
    {
        if (random.Next(8) == 0 || Parse(input, 0) is not { Count: > 0 } fields)
        {
            return ByteMutations.Mutate(random, input, other);
        }

        for (var i = random.Next(1, 4); i > 0; i--)
        {
            Once(random, fields, Parse(other, 0) ?? []);
        }

        using var output = new MemoryStream();
        Write(output, fields);
        return output.Length <= ByteMutations.MaxBytes ? output.ToArray() : input;
    }

    private static void Once(Random random, List<Field> fields, List<Field> others)
    {
        var list = fields;
        while (random.Next(3) > 0 && list.Where(field => field.Children is { Count: > 0 }).ToList() is { Count: > 0 } inner)
        {
            list = inner[random.Next(inner.Count)].Children!;
        }

        if (list.Count == 0)
        {
            return;
        }

        var at = random.Next(list.Count);
        var field = list[at];
        switch (random.Next(9))
        {
            case 0:
                list.RemoveAt(at);
                break;
            case 1:
                list.Insert(at, field.Copy());
                break;
            case 2:
                list[at] = field with { Number = random.Next(1, 20) };
                break;
            case 3 when others.Count > 0:
                list.Insert(at, Any(random, others));
                break;
            case 4:
                list.Insert(at, Any(random, fields));
                break;
            case 5:
                list[at] = Nested(field, random.Next(1, random.Next(2) == 0 ? 6 : 400));
                break;
            case 6 when field.Type == Bytes:
                list[at] = field with { Children = null, Value = TextMutations.Mutate(random, field.Children is null ? field.Value : [], [1, 2, 3]) };
                break;
            case 7:
                list[at] = new Field(field.Number, Varint, Number(random), null);
                break;
            default:
                list[at] = field.Type == Bytes
                    ? field with { Children = null, Value = [.. Enumerable.Range(0, random.Next(0, 33)).Select(_ => (byte)random.Next(256))] }
                    : field with { Value = field.Type == Varint ? Number(random) : [.. field.Value.Select(_ => (byte)random.Next(256))] };
                break;
        }
    }

    // A copy: put into itself, it would never end.
    private static Field Any(Random random, List<Field> fields)
    {
        var field = fields[random.Next(fields.Count)];
        return field.Children is { Count: > 0 } children && random.Next(3) > 0 ? Any(random, children) : field.Copy();
    }

    // A value of OpenTelemetry in a list in a value: field 5 in field 1.
    private static Field Nested(Field field, int depth)
    {
        for (var i = 0; i < depth; i++)
        {
            field = new Field(i % 2 == 0 ? 1 : 5, Bytes, [], [field]);
        }

        return field;
    }

    private static byte[] Number(Random random)
    {
        var number = random.Next(5) switch { 0 => ulong.MaxValue, 1 => (ulong)long.MaxValue, 2 => 0UL, 3 => (ulong)random.NextInt64(), _ => (ulong)random.Next(300) };
        using var bytes = new MemoryStream();
        WriteVarint(bytes, number);
        return bytes.ToArray();
    }

    private static List<Field>? Parse(ReadOnlySpan<byte> message, int depth)
    {
        var fields = new List<Field>();
        while (!message.IsEmpty)
        {
            if (!TryReadVarint(ref message, out var tag) || tag >> 3 is 0 or > int.MaxValue)
            {
                return null;
            }

            var number = (int)(tag >> 3);
            switch ((int)(tag & 7))
            {
                case Varint:
                    var before = message;
                    if (!TryReadVarint(ref message, out _))
                    {
                        return null;
                    }

                    fields.Add(new Field(number, Varint, before[..^message.Length].ToArray(), null));
                    break;
                case Bytes when TryReadVarint(ref message, out var length) && length <= (ulong)message.Length:
                    var value = message[..(int)length].ToArray();
                    fields.Add(new Field(number, Bytes, value, value.Length > 1 && depth < MaxDepth ? Parse(value, depth + 1) : null));
                    message = message[(int)length..];
                    break;
                case Fixed64 when message.Length >= 8:
                    fields.Add(new Field(number, Fixed64, message[..8].ToArray(), null));
                    message = message[8..];
                    break;
                case Fixed32 when message.Length >= 4:
                    fields.Add(new Field(number, Fixed32, message[..4].ToArray(), null));
                    message = message[4..];
                    break;
                default:
                    return null;
            }
        }

        return fields;
    }

    private static void Write(MemoryStream output, List<Field> fields)
    {
        foreach (var field in fields)
        {
            WriteVarint(output, ((ulong)field.Number << 3) | (uint)field.Type);
            var value = field.Value;
            if (field.Children is not null)
            {
                using var inner = new MemoryStream();
                Write(inner, field.Children);
                value = inner.ToArray();
            }

            if (field.Type == Bytes)
            {
                WriteVarint(output, (ulong)value.Length);
            }

            output.Write(value);
        }
    }

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

    private static void WriteVarint(MemoryStream to, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            to.WriteByte((byte)(value | 0x80));
        }

        to.WriteByte((byte)value);
    }

    /// <param name="Number">The field's number.</param>
    /// <param name="Type">How it is written.</param>
    /// <param name="Value">As written, without the length.</param>
    /// <param name="Children">What stands in place of the value where it can be read as a message.</param>
    private sealed record Field(int Number, int Type, byte[] Value, List<Field>? Children)
    {
        public Field Copy() => this with { Children = Children?.ConvertAll(child => child.Copy()) };
    }
}
