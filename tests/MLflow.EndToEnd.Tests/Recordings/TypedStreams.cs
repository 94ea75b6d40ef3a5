#pragma warning disable OPENAI001 // What the package calls experimental is recorded all the same.
using OpenAI;
using OpenAI.Audio;
using OpenAI.Chat;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>Reads recorded streams by the package's methods that give updates instead of bytes.</summary>
public static class TypedStreams
{
    public static readonly string[] Operations = ["createChatCompletion", "createResponse", "createSpeech", "createTranscription", "createRun"];

    public static async Task ReadAsync(OpenAIClient client, Recording recording, bool isAsync, CancellationToken token)
    {
        switch (recording.Operation)
        {
            case "createChatCompletion":
                await ReadChatAsync(client.GetChatClient("unused"), isAsync, token);
                break;
            case "createResponse":
                await using (var updates = await client.GetResponsesClient().CreateResponseStreamingAsync("unused", "Say it again.", cancellationToken: token))
                {
                    await ReadAsync(updates, token);
                }

                break;
            case "createSpeech":
                await using (var updates = await client.GetAudioClient("unused").GenerateSpeechStreamingAsync("Say it again.", GeneratedSpeechVoice.Alloy, cancellationToken: token))
                {
                    await ReadAsync(updates, token);
                }

                break;
            case "createTranscription":
                using (var audio = new MemoryStream([1, 2, 3]))
                await using (var updates = await client.GetAudioClient("unused").TranscribeAudioStreamingAsync(audio, "audio.wav", cancellationToken: token))
                {
                    await ReadAsync(updates, token);
                }

                break;
            default:
                await using (var updates = await client.GetAssistantClient().CreateRunStreamingAsync("unused", "unused", cancellationToken: token))
                {
                    await ReadAsync(updates, token);
                }

                break;
        }
    }

    private static async Task ReadChatAsync(ChatClient client, bool isAsync, CancellationToken token)
    {
        ChatMessage[] messages = [new UserChatMessage("Say it again.")];
        if (isAsync)
        {
            await ReadAsync(client.CompleteChatStreamingAsync(messages, cancellationToken: token), token);
        }
        else
        {
            foreach (var update in client.CompleteChatStreaming(messages, cancellationToken: token))
            {
            }
        }
    }

    private static async Task ReadAsync<T>(IAsyncEnumerable<T> updates, CancellationToken token)
    {
        await foreach (var update in updates.WithCancellation(token))
        {
        }
    }
}
