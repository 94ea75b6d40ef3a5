using System.Net.Sockets;
using System.Text;

namespace MLflow.Server.Tests.Gateway;

/// <summary>What a model was sent, and the connection on which it answers.</summary>
internal sealed class SomeUpstreamRequest(Socket socket, string path, ILookup<string, string> headers, byte[] body, string head, CancellationToken stop)
{
    public string Path => path;

    /// <summary>By their names in lower case.</summary>
    public ILookup<string, string> Headers => headers;

    public byte[] Body => body;

    public string Text => Encoding.UTF8.GetString(body);

    public string Head => head;

    public CancellationToken Stop => stop;

    public async Task SendAsync(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        for (var at = 0; at < bytes.Length;)
        {
            at += await socket.SendAsync(bytes.AsMemory(at), stop);
        }
    }

    /// <summary>Ends the connection as one that breaks.</summary>
    public void Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
    }
}
