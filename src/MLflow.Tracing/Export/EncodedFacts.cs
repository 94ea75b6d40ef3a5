using System.Buffers;
using System.Text;
using System.Text.Json;

namespace MLflow;

/// <summary>The body of StartTraceV3, which lacks only the experiment's id: that is known when the server has been asked for it.</summary>
internal readonly ref struct EncodedFacts
{
    private static readonly SearchValues<char> Plain = SearchValues.Create("0123456789");
    private readonly ReadOnlySpan<byte> _json;
    private readonly int _experiment;

    /// <param name="json">The JSON text.</param>
    /// <param name="experiment">Where the id has to stand, without quotes.</param>
    public EncodedFacts(ReadOnlySpan<byte> json, int experiment)
    {
        _json = json;
        _experiment = experiment;
    }

    public int Length => _json.Length;

    public void WriteTo(IBufferWriter<byte> target, string experimentId)
    {
        target.Write(_json[.._experiment]);
        if (experimentId.AsSpan().ContainsAnyExcept(Plain))
        {
            target.Write(JsonEncodedText.Encode(experimentId, AttributeJson.WriterOptions.Encoder).EncodedUtf8Bytes);
        }
        else
        {
            target.Advance(Encoding.ASCII.GetBytes(experimentId, target.GetSpan(experimentId.Length)));
        }

        target.Write(_json[_experiment..]);
    }
}
