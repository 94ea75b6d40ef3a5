using System.ClientModel;
using OpenAI;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>An operation and the methods of the OpenAI package that ask for it.</summary>
/// <param name="Name">The operation's name in our traces: that of OpenAI's Python client.</param>
/// <param name="Send">Null where the package has no method for it, or one that does more than one exchange.</param>
/// <param name="SendAsync">The same, asynchronous.</param>
public sealed record PackageCall(
    string Name, Func<OpenAIClient, PackageRequest, ClientResult>? Send = null, Func<OpenAIClient, PackageRequest, Task<ClientResult>>? SendAsync = null);
