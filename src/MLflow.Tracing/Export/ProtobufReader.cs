using System.Buffers.Binary;

namespace MLflow;

/// <summary>Reads the fields of a protobuf message that <see cref="ProtobufWriter"/> wrote: varints, 64-bit numbers, and bytes.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;

    public int Field { get; private set; }

    /// <summary>The field's number; of bytes their length.</summary>
    public ulong Number { get; private set; }

    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <exception cref="InvalidDataException">It is no message that we wrote.</exception>
    public bool Read()
    {
        if (_rest.IsEmpty)
        {
            return false;
        }

        var tag = ReadVarint();
        Field = (int)(tag >> 3);
        Bytes = default;
        switch (tag & 7)
        {
            case 0:
                Number = ReadVarint();
                break;
            case 1 when _rest.Length >= 8:
                Number = BinaryPrimitives.ReadUInt64LittleEndian(_rest);
                _rest = _rest[8..];
                break;
            case 2:
                Number = ReadVarint();
                if (Number > (ulong)_rest.Length)
                {
                    throw Broken();
                }

                Bytes = _rest[..(int)Number];
                _rest = _rest[(int)Number..];
                break;
            default:
                throw Broken();
        }

        return true;
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (var i = 0; i < _rest.Length && i < 10; i++)
        {
            value |= (ulong)(_rest[i] & 0x7F) << (7 * i);
            if (_rest[i] < 0x80)
            {
                _rest = _rest[(i + 1)..];
                return value;
            }
        }

        throw Broken();
    }

    private static InvalidDataException Broken() => new("A protobuf message is cut or was not written by MLflow.Tracing.");
}
