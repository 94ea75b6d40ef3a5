using Microsoft.AspNetCore.Mvc;
using OpenAI.Chat;

namespace MLflow.AspNetCore.Tests;

[ApiController]
[Route("api/ask")]
public sealed class AskController(ChatClient chat) : ControllerBase
{
    [HttpGet("{id:int}")]
    public async Task<string> Get(int id)
    {
        await Task.Yield();
        ChatCompletion answer = await chat.CompleteChatAsync($"question {id}");
        return answer.Content[0].Text;
    }
}
