using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Storage.Rollups;

/// <summary>The figures of a time, as an overview shows them. They can be added, and kept as bytes.</summary>
internal sealed class Rollup
{
    /// <summary>Models and tools of an hour. What has more, whatever that is, is not kept: its overview is read from the traces.</summary>
    private const int MaxGroups = 1000;

    /// <summary>Grows with the form of the bytes; those of another one are not used, and are written again when their hour changes.</summary>
    private const byte Form = 1;

    private readonly Dictionary<string, CallFigures> _models = [];
    private readonly Dictionary<string, CallFigures> _tools = [];
    private readonly HashSet<long> _users = [];
    private readonly HashSet<long> _sessions = [];

    public TraceFigures Traces { get; private init; } = new();

    public void Add(RolledTrace trace)
    {
        Traces.Add(trace);
        Add(_users, trace.User);
        Add(_sessions, trace.Session);
    }

    public void Add(RolledSpan span) => Of(span.IsTool ? _tools : _models, span.Name).Add(span);

    public void Add(Rollup other)
    {
        Traces.Add(other.Traces);
        _users.UnionWith(other._users);
        _sessions.UnionWith(other._sessions);
        foreach (var (name, figures) in other._models)
        {
            Of(_models, name).Add(figures);
        }

        foreach (var (name, figures) in other._tools)
        {
            Of(_tools, name).Add(figures);
        }
    }

    public OverviewFigures ToFigures() => Traces.ToFigures() with { Users = _users.Count, Sessions = _sessions.Count };

    /// <summary>The calls of some models in the piece that this is of.</summary>
    public IEnumerable<PieceCalls> ModelCalls(int piece, IEnumerable<string> models) => Calls(_models, piece, models);

    public IEnumerable<PieceCalls> ToolCalls(int piece, IEnumerable<string> tools) => Calls(_tools, piece, tools);

    public IReadOnlyList<ModelFigures> Models() => [.. Most(_models).Select(model => model.Value.OfModel(model.Key))];

    public IReadOnlyList<ToolFigures> Tools() => [.. Most(_tools).Select(tool => tool.Value.OfTool(tool.Key))];

    /// <summary>Empty where there is too much to keep.</summary>
    public byte[] Encode()
    {
        if (_models.Count > MaxGroups || _tools.Count > MaxGroups)
        {
            return [];
        }

        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(Form);
        Traces.Write(writer);
        foreach (var groups in new[] { _models, _tools })
        {
            writer.Write7BitEncodedInt(groups.Count);
            foreach (var (name, figures) in groups)
            {
                writer.Write(name);
                figures.Write(writer);
            }
        }

        foreach (var set in new[] { _users, _sessions })
        {
            writer.Write7BitEncodedInt(set.Count);
            foreach (var hash in set)
            {
                writer.Write(hash);
            }
        }

        return bytes.ToArray();
    }

    /// <summary>Null where the bytes are of no use.</summary>
    public static Rollup? Decode(byte[] figures)
    {
        if (figures.Length == 0 || figures[0] != Form)
        {
            return null;
        }

        using var reader = new BinaryReader(new MemoryStream(figures, 1, figures.Length - 1));
        var rollup = new Rollup { Traces = TraceFigures.Read(reader) };
        foreach (var groups in new[] { rollup._models, rollup._tools })
        {
            for (var count = reader.Read7BitEncodedInt(); count > 0; count--)
            {
                groups.Add(reader.ReadString(), CallFigures.Read(reader));
            }
        }

        foreach (var set in new[] { rollup._users, rollup._sessions })
        {
            for (var count = reader.Read7BitEncodedInt(); count > 0; count--)
            {
                set.Add(reader.ReadInt64());
            }
        }

        return rollup;
    }

    private static IEnumerable<PieceCalls> Calls(Dictionary<string, CallFigures> groups, int piece, IEnumerable<string> names) =>
        names.Where(groups.ContainsKey).Select(name => groups[name].OfPiece(name, piece));

    private static CallFigures Of(Dictionary<string, CallFigures> groups, string name)
    {
        if (!groups.TryGetValue(name, out var figures))
        {
            groups.Add(name, figures = new CallFigures());
        }

        return figures;
    }

    private static IEnumerable<KeyValuePair<string, CallFigures>> Most(Dictionary<string, CallFigures> groups) =>
        groups.OrderByDescending(group => group.Value.Calls).ThenBy(group => group.Key, StringComparer.Ordinal).Take(OverviewQuery.MaxGroups);

    // Names would be much longer; two of them that share 64 bits are not to be expected.
    private static void Add(HashSet<long> hashes, string? name)
    {
        if (!string.IsNullOrEmpty(name))
        {
            hashes.Add(BinaryPrimitives.ReadInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name))));
        }
    }
}
