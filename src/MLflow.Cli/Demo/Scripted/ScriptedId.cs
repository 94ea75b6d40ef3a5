using System.Security.Cryptography;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>Identifiers in the shapes that OpenAI gives them.</summary>
internal static class ScriptedId
{
    private const string Alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    public static string Completion() => "chatcmpl-" + RandomNumberGenerator.GetString(Alphanumeric, 29);

    public static string ToolCall() => "call_" + RandomNumberGenerator.GetString(Alphanumeric, 24);

    public static string Request() => "req_" + RandomNumberGenerator.GetHexString(32, lowercase: true);

    public static string Response() => "resp_" + RandomNumberGenerator.GetHexString(50, lowercase: true);

    public static string Message() => "msg_" + RandomNumberGenerator.GetHexString(50, lowercase: true);

    public static string FunctionCall() => "fc_" + RandomNumberGenerator.GetHexString(50, lowercase: true);
}
