using System.Net;
using System.Net.Sockets;
using System.Text;
using MLflow.Benchmarks.Calls;

namespace MLflow.Benchmarks.Gateway;

/// <summary>
/// The model behind the gateway: it answers with the same bytes again and again, and does as little as can be, so that the machine is the gateway's. It runs until
/// its standard input closes.
/// </summary>
internal static class LoopbackModel
{
    /// <summary>Of a stream's chunks, how many are sent at once.</summary>
    public const int ChunksAtOnce = 10;

    /// <summary>From one piece of a stream to the next.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>A member of the request by which a stream comes without pauses.</summary>
    public const string AtOnce = "\"user\":\"hasty\"";

    private const int Backlog = 4096;
    private const int MaxRequest = 64 * 1024;

    private static readonly byte[] Answer = CannedAnswers.Chat()[0];
    private static readonly IReadOnlyList<byte[]> Pieces =
        [CannedAnswers.Stream()[0], .. CannedAnswers.Stream().Skip(1).Chunk(ChunksAtOnce).Select(chunks => chunks.SelectMany(chunk => chunk).ToArray())];

    public static async Task RunAsync()
    {
        using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(Backlog);
        Console.WriteLine(((IPEndPoint)listener.LocalEndPoint!).Port);
        _ = AcceptAsync(listener);
        await Console.In.ReadToEndAsync();
    }

    private static async Task AcceptAsync(Socket listener)
    {
        while (true)
        {
            _ = ServeAsync(await listener.AcceptAsync());
        }
    }

    private static async Task ServeAsync(Socket socket)
    {
        using (socket)
        {
            socket.NoDelay = true;
            var buffer = new byte[MaxRequest];
            var have = 0;
            try
            {
                int read;
                while ((read = await socket.ReceiveAsync(buffer.AsMemory(have))) > 0)
                {
                    have += read;
                    if (HttpText.Length(buffer.AsSpan(0, have)) is not { } length || have < length)
                    {
                        continue;
                    }

                    have = 0;
                    if (buffer.AsSpan(0, length).IndexOf("\"stream\":true"u8) < 0)
                    {
                        await socket.SendAsync(Answer);
                        continue;
                    }

                    var pause = buffer.AsSpan(0, length).IndexOf(Encoding.UTF8.GetBytes(AtOnce)) < 0 ? Pause : TimeSpan.Zero;
                    foreach (var piece in Pieces)
                    {
                        await socket.SendAsync(piece);
                        await Task.Delay(pause);
                    }
                }
            }
            catch (SocketException)
            {
                // Whoever asked has gone.
            }
        }
    }
}
