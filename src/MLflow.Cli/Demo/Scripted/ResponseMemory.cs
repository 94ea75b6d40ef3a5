using System.Text.Json.Nodes;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>The conversations behind the last responses, for <c>previous_response_id</c>.</summary>
internal sealed class ResponseMemory
{
    /// <summary>How many responses are remembered; older ones are forgotten. What each may hold is bounded by <see cref="ResponseRequest"/>.</summary>
    public const int Capacity = 32;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, IReadOnlyList<JsonObject>> _messages = new(StringComparer.Ordinal);
    private readonly Queue<string> _ids = new();

    public void Remember(string id, IReadOnlyList<JsonObject> messages)
    {
        lock (_lock)
        {
            _messages.Add(id, messages);
            _ids.Enqueue(id);
            if (_ids.Count > Capacity)
            {
                _messages.Remove(_ids.Dequeue());
            }
        }
    }

    /// <exception cref="ScriptedErrorException">The response is not remembered.</exception>
    public IReadOnlyList<JsonObject> Recall(string id)
    {
        lock (_lock)
        {
            return _messages.GetValueOrDefault(id) ?? throw ScriptedError.ResponseNotFound(id).ToException();
        }
    }
}
