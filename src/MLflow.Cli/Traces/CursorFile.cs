using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MLflow.Cli.Commands;

namespace MLflow.Cli.Traces;

/// <summary>A file that says how far a command has come. It is replaced whole, so that whatever ends the process leaves the old one or the new one.</summary>
internal sealed class CursorFile<T>
    where T : class
{
    private readonly string _path;
    private readonly JsonTypeInfo<T> _type;

    public CursorFile(string path, JsonTypeInfo<T> type)
    {
        _path = path;
        _type = type;
    }

    /// <returns>Null where there is none yet.</returns>
    /// <exception cref="CommandException">It is something else.</exception>
    public T? Read()
    {
        if (!File.Exists(_path))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(_path), _type) ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            throw new CommandException($"{_path} is no cursor of this command: {e.Message}", e);
        }
    }

    public void Write(T cursor)
    {
        var temporary = _path + ".new";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(file, cursor, _type);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, _path, overwrite: true);
    }
}
