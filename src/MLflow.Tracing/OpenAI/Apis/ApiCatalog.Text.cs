namespace MLflow;

internal static partial class ApiCatalog
{
    /// <summary>Stored chat completions, responses beside their creation, and conversations.</summary>
    private static IEnumerable<ApiOperation> Text()
    {
        var storedAnswer = new StoredAnswerRecorder();
        return
        [
            Call("chat.completions.list", "GET", "/chat/completions", "Completions.list"),
            Call("chat.completions.retrieve", "GET", "/chat/completions/{completion_id}", "Completions.retrieve", recorder: storedAnswer),
            Call("chat.completions.update", "POST", "/chat/completions/{completion_id}", "Completions.update", recorder: storedAnswer),
            Call("chat.completions.delete", "DELETE", "/chat/completions/{completion_id}", "Completions.delete"),
            Call("chat.completions.messages.list", "GET", "/chat/completions/{completion_id}/messages", "Completions.messages.list"),

            Call("responses.retrieve", "GET", "/responses/{response_id}", "Responses.retrieve", recorder: storedAnswer),
            Call("responses.delete", "DELETE", "/responses/{response_id}", "Responses.delete"),
            Call("responses.cancel", "POST", "/responses/{response_id}/cancel", "Responses.cancel", recorder: storedAnswer),
            Call("responses.input_items.list", "GET", "/responses/{response_id}/input_items", "Responses.input_items.list"),
            Call("responses.input_tokens.count", "POST", "/responses/input_tokens", "Responses.input_tokens.count"),
            Call("responses.compact", "POST", "/responses/compact", "Responses.compact", MLflow.SpanType.Llm, new ResponsesRecorder()),

            Call("conversations.create", "POST", "/conversations", "Conversations.create"),
            Call("conversations.retrieve", "GET", "/conversations/{conversation_id}", "Conversations.retrieve"),
            Call("conversations.update", "POST", "/conversations/{conversation_id}", "Conversations.update"),
            Call("conversations.delete", "DELETE", "/conversations/{conversation_id}", "Conversations.delete"),
            Call("conversations.items.create", "POST", "/conversations/{conversation_id}/items", "Conversations.items.create"),
            Call("conversations.items.list", "GET", "/conversations/{conversation_id}/items", "Conversations.items.list"),
            Call("conversations.items.retrieve", "GET", "/conversations/{conversation_id}/items/{item_id}", "Conversations.items.retrieve"),
            Call("conversations.items.delete", "DELETE", "/conversations/{conversation_id}/items/{item_id}", "Conversations.items.delete"),
        ];
    }
}
